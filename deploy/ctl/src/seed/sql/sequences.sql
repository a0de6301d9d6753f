-- New rows come after those of the demo.
select setval('users_id_seq', (select max(id) from users)),
       setval('pitches_id_seq', (select max(id) from pitches)),
       setval('ndas_id_seq', (select max(id) from ndas)),
       setval('conversations_id_seq', (select max(id) from conversations)),
       setval('messages_id_seq', (select max(id) from messages))
