-- Followers in order of their ids, a page at a time: who publishes may have a hundred thousand.
create index follows_following_follower_idx on follows (following_id, follower_id) where following_id is not null;
