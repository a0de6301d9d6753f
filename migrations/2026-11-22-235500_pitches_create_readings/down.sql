drop table genre_readings;
