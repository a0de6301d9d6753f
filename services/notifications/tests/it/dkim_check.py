"""Checks the DKIM signature of a mail: dkim_check.py MAIL RECORD, where RECORD is what the name server says."""

import sys

import dkim

with open(sys.argv[1], "rb") as mail:
    message = mail.read()
asked = []


def dns(name, timeout=5):
    asked.append(name)
    return sys.argv[2].encode()


holds = dkim.verify(message, dnsfunc=dns)
print("holds" if holds else "does not hold", *[name.decode() if isinstance(name, bytes) else name for name in asked])
