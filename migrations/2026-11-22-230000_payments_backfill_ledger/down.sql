delete from credit_ledger where reason = 'opening';
