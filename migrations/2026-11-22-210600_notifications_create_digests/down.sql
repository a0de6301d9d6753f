comment on column email_queue.metadata is 'An object documented by notifications: category, tokenRequestId, unsubscribe, placeholders.';
drop index email_queue_bodies_idx;
drop table announcements;
drop table email_digests;
