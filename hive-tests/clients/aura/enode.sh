#!/bin/sh
# hive asks for a client's peer-to-peer address. Aura has no peer-to-peer network: simulators that
# need one cannot run against it.
echo "aura has no peer-to-peer network" >&2
exit 1
