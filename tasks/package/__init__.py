"""Stage package: the deployable bundle, checked against the network it was made from."""
