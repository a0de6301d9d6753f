drop table seen_versions;
drop table inbox;
