drop table pitch_views;
