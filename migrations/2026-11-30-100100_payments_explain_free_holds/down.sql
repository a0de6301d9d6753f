alter table credit_holds drop column free_because;
