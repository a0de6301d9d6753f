drop table credits;
