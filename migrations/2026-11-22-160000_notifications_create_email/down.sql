drop table email_suppressions;
drop table email_events;
drop table email_queue;
drop table email_requests;
drop table email_preferences;
drop type email_status;
drop type notification_frequency;
