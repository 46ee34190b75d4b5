"""What the live service is asked and told, watched in windows: drift, quality, volume."""
