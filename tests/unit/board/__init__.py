"""Tests of the appliance round the bridge."""
