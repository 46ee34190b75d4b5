"""One process on all cores beside DDP and FSDP with a process per half of them."""
