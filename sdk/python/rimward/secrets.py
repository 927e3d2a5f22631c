"""Secrets that the filter's `grants.secrets` names. The host signs and checks with them, so that they need not be read."""

from wit_world.imports import crypto as _crypto, secrets as _raw

from ._host import ask, to_bytes


class Secret:
    def __init__(self, name):
        self._name = name
        with ask(f"secret `{name}`"):
            self._secret = _raw.get(name)

    def sign(self, algorithm, message):
        with ask(f"secret `{self._name}`"):
            return _crypto.sign(_algorithm(algorithm), self._secret, to_bytes(message, "the message"))

    def verify(self, algorithm, message, signature):
        with ask(f"secret `{self._name}`"):
            message, signature = to_bytes(message, "the message"), to_bytes(signature, "the signature")
            return _crypto.verify(_algorithm(algorithm), self._secret, message, signature)

    def equals(self, given):
        """Whether `given` is the secret; takes the same time whatever it is."""
        ours, theirs = sha256(self.reveal()), sha256(given)
        return sum(a ^ b for a, b in zip(ours, theirs)) == 0

    def reveal(self):
        """The secret itself, for those who must have it."""
        return self._secret.reveal()

    def __repr__(self):
        return f"[secret {self._name}]"


def _algorithm(name):
    try:
        return _crypto.Alg[name.upper()]
    except KeyError:
        known = ", ".join(alg.name.lower() for alg in _crypto.Alg)
        raise ValueError(f"`{name}` is not an algorithm: {known}") from None


def get(name):
    """A secret by its name."""
    return Secret(name)


def sha256(data):
    """The SHA-256 digest of a text or of bytes, computed by the host."""
    return _crypto.sha256(to_bytes(data, "the data"))
