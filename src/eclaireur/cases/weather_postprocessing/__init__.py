"""Case weather_postprocessing: ensemble forecasts calibrated against what was observed."""
