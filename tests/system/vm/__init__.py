"""A virtual machine with Debian's kernel and an emulated scanner on USB: what containers cannot show."""
