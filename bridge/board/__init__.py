"""The appliance round the bridge: what the SD image does with the settings file on its card, and what it shows."""
