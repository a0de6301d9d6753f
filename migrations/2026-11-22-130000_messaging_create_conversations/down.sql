drop table typing_indicators;

-- Policies use the functions and the functions read the tables: policies first.
drop policy conversation_participants_system on conversation_participants;
drop policy conversation_participants_update on conversation_participants;
drop policy conversation_participants_insert on conversation_participants;
drop policy conversation_participants_read   on conversation_participants;
drop policy conversations_system on conversations;
drop policy conversations_update on conversations;
drop policy conversations_insert on conversations;
drop policy conversations_read   on conversations;

drop function app_owns_conversation(integer);
drop function app_is_participant(integer);
drop function app_opens_conversation(integer);
drop function app_ended_conversations();
drop function app_active_conversation_ids();
drop function app_conversation_ids();

drop table conversation_participants;
drop table conversations;
