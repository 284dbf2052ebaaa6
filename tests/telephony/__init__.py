"""The gate on the wire: real Kamailio, SIPp as dialer and as carrier, all on loopback."""
