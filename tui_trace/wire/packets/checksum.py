"""The checksum of the Internet protocols (RFC 1071)."""

ONES_COMPLEMENT_MODULUS = 0xFFFF
"""One's complement arithmetic on 16 bits is arithmetic modulo this; 0xFFFF and 0 are one number."""


def ones_sum(data: bytes | bytearray) -> int:
    """Return the one's complement sum of 16-bit words, 0–65534; an odd last byte is padded."""
    if len(data) % 2:
        return (int.from_bytes(data, "big") << 8) % ONES_COMPLEMENT_MODULUS
    return int.from_bytes(data, "big") % ONES_COMPLEMENT_MODULUS
