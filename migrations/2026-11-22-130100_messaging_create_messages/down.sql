drop table message_read_receipts;
drop function app_sees_message(bigint);
drop table messages;
