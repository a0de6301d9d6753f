drop function nda_policy_for(integer);
drop table nda_policies;
drop table ndas;
