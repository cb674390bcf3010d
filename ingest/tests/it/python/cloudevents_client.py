"""The CloudEvents SDK sends events to ingest in every mode; each event sent is printed as a line of JSON, in the order of the log."""

import json
import sys
from datetime import datetime, timedelta, timezone

import requests
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

AT = datetime(2026, 3, 5, 16, 20, 0, 123000, tzinfo=timezone(timedelta(hours=8)))


def event(event_id, event_type, data, **attributes):
    attributes = {"id": event_id, "type": event_type, "source": "/crm/north", "time": AT, **attributes}
    return CloudEvent(attributes, data)


def post(url, key, headers, body):
    answer = requests.post(f"{url}/v1/events", data=body, headers={**headers, "authorization": f"Bearer {key}"}, timeout=60)
    assert answer.status_code == 200 and answer.json()["refused"] == [], f"{headers}: {answer.status_code} {answer.text}"


def print_sent(sent):
    attributes = dict(sent.get_attributes())
    at = attributes.pop("time", None)
    attributes["time_ms"] = round(at.timestamp() * 1000) if at else None
    print(json.dumps({**attributes, "data": sent.get_data()}))


def main(url, key):
    won = {"deal_id": "D-1", "amount": "120000.5", "currency": "CNY"}
    visit = {"visit_id": "V-1", "purpose": "上海 \"demo\" 100 %", "met_decision_maker": True, "duration_min": 45}
    one_by_one = [
        (to_structured_event, event("structured-1", "deal.won", won, accountid="A-1001", repid="R-7")),
        (to_structured_event, event("structured-2", "visit.completed", visit, revision=3, subject="visits/V-1")),
        (to_binary_event, event("binary-1", "deal.won", won, accountid="A-1001", repid="R-7", datacontenttype="application/json")),
        (to_binary_event, event("binary 2: 上海 \"100 %\"", "visit.completed", visit, revision=2_000_000_000)),
        (to_binary_event, event("structured-2", "visit.completed", None, revision=4, retracted=True)),
        (to_structured_event, event("binary-1", "deal.won", None, revision=1, retracted=True)),
    ]
    for encode, sent in one_by_one:
        message = encode(sent)
        post(url, key, message.headers, message.body)
        print_sent(sent)
    # The SDK knows no batches; a batch is an array of structured events.
    batch = [event(f"batch-{number}", "visit.completed", {**visit, "visit_id": f"V-{number}"}) for number in range(200)]
    body = b"[" + b",".join(JSONFormat().write(sent) for sent in batch) + b"]"
    post(url, key, {"content-type": "application/cloudevents-batch+json"}, body)
    for sent in batch:
        print_sent(sent)


main(*sys.argv[1:])
