"""A mail server that fails every so many times: refuses, delays, hangs up.

    mail_server.py ACCEPTED FAIL_EVERY KINDS

Prints its port. Each mail that it takes is a line of the file ACCEPTED, its Message-ID, written before the client gets its 250. KINDS, separated by
commas, are taken in turn: recipient (451 to the recipient), mail (451 to the whole mail), hangup (closes the connection after the whole mail, which it
throws away), silence (says nothing for a while, and closes then), slow (takes the mail, but late). No recipient gets more than three failures, and only one
of the kinds after which a client can't know what became of its mail.
"""

import asyncio
import itertools
import sys
from collections import Counter

from aiosmtpd.smtp import SMTP

UNKNOWN = {"hangup", "silence"}


class Moods:
    def __init__(self, accepted, every, kinds):
        self.accepted = open(accepted, "a", buffering=1)
        self.every = every
        self.kinds = itertools.cycle(kinds)
        self.turn = 0
        self.failures = Counter()
        self.unknown = set()

    def kind(self, recipient):
        """How this delivery fails, if it does."""
        self.turn += 1
        if self.turn % self.every or self.failures[recipient] >= 3:
            return None
        kind = next(self.kinds)
        if kind in UNKNOWN and recipient in self.unknown:
            kind = "mail"
        if kind in UNKNOWN:
            self.unknown.add(recipient)
        self.failures[recipient] += 1
        return kind

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.kind = self.kind(address)
        if envelope.kind == "recipient":
            return "451 4.3.2 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.kind == "mail":
            return "451 4.3.0 not this one, not now"
        if envelope.kind == "hangup":
            server.transport.abort()
            return "451 nobody hears this"
        if envelope.kind == "silence":
            await asyncio.sleep(1)
            server.transport.abort()
            return "451 nobody hears this"
        if envelope.kind == "slow":
            await asyncio.sleep(0.3)
        head = envelope.content.split(b"\r\n\r\n", 1)[0].decode()
        message_id = next(line for line in head.split("\r\n") if line.lower().startswith("message-id:"))
        self.accepted.write(message_id.split(":", 1)[1].strip() + "\n")
        return "250 taken"


async def main():
    accepted, every, kinds = sys.argv[1:]
    moods = Moods(accepted, int(every), kinds.split(","))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(moods, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
