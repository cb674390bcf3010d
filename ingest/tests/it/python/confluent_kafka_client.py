"""confluent-kafka reads a tenant's events with ingest as its schema registry; each is printed as a line of JSON: instants as
milliseconds, dates as days, amounts as texts."""

import json
import sys
from datetime import date, datetime
from decimal import Decimal

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def plain(value):
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value


def read(brokers, topic, tenant, deserializer):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "none", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    ends = {partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)[1] for partition in partitions}
    for partition, end in ends.items():
        consumer.assign([TopicPartition(topic, partition, 0)])
        position = 0
        while position < end:
            message = consumer.poll(30)
            assert message is not None and message.error() is None, message
            position = message.offset() + 1
            if message.key() == tenant.encode():
                yield deserializer(message.value(), SerializationContext(topic, MessageField.VALUE))
    consumer.close()


def main(brokers, registry, topic, tenant):
    with SchemaRegistryClient({"url": registry}) as client:
        # As it comes, and with the newest schema of each record's own subject as the reader's.
        by_default = AvroDeserializer(client)
        newest = AvroDeserializer(client, conf={"subject.name.strategy.type": "RECORD", "use.latest.version": True})
        events = list(read(brokers, topic, tenant, by_default))
        assert events == list(read(brokers, topic, tenant, newest))
        for event in events:
            print(json.dumps(plain(event)))


main(*sys.argv[1:])
