-- What has been checked stays checked.
select 1;
