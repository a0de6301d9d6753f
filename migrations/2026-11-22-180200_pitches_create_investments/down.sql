drop table investments;
