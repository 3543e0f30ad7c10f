"""From arrivals to the responses of ears and microphones. May import: acoustics, camera, loaders, scene, config, errors."""
