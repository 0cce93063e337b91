"""For a fork server to import: it asks once what its processes would ask each."""

from tests.remembered import remember

remember()
