"""What Textual and rich would import on first use, imported at once.

The first picture shall not wait for them one by one, and where the program lies in a home that is
closed to whom it became, they could no longer be read.
"""

import html  # noqa: F401  (for pictures of the screen)

import textual.drivers.headless_driver
import textual.drivers.linux_driver
import textual.layouts.factory
import textual.layouts.grid
import textual.layouts.horizontal
import textual.layouts.stream
import textual.layouts.vertical
import textual.pilot
import textual.scrollbar
import textual.system_commands
import textual.widgets
from rich.cells import cell_len

textual.widgets.LoadingIndicator  # noqa: B018  (resolved, and so imported, by name)
cell_len("…")  # reads the table of widths
