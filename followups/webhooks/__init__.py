"""Webhooks out: other systems are told of promises, deliveries and the gate."""
