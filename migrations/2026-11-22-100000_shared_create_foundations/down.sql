drop function drop_month_partitions(text, date);
drop function ensure_month_partitions(text, date, integer);
drop function uuid_v7_floor(timestamptz);
drop function refuse_change();
drop function app_uid();

do $$
begin
    if to_regclass('public.__diesel_schema_migrations') is not null then
        revoke select on __diesel_schema_migrations from
            pitchey_accounts,      pitchey_accounts_system,
            pitchey_pitches,       pitchey_pitches_system,
            pitchey_messaging,     pitchey_messaging_system,
            pitchey_payments,      pitchey_payments_system,
            pitchey_analytics,     pitchey_analytics_system,
            pitchey_notifications, pitchey_notifications_system;
    end if;
end
$$;
