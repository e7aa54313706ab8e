"""Verifies deliveries with the Standard Webhooks reference library: one JSON
object per line on standard input, {"secret", "headers", "body", "good"}."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

checked = 0
for line in sys.stdin:
    case = json.loads(line)
    try:
        Webhook(case["secret"]).verify(case["body"], case["headers"])
        good = True
    except WebhookVerificationError:
        good = False
    assert good == case["good"], f"case {checked}: verified {good}: {case}"
    checked += 1
assert checked > 0
print(f"ok: {checked}")
