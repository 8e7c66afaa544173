"""A fictitious département, « Val-de-Brume » (99): made-up data with a documented law.

`write` makes the plain files, `records` reads them, `truth` gives the latent risk that the files do not hold,
and `outcomes` draws what visits would find. The law is in `law`; README.md tells the rest.
"""

from __future__ import annotations

from eclaireur.cases.restaurant_risk.sample.generator import truth, write
from eclaireur.cases.restaurant_risk.sample.latent import Truth
from eclaireur.cases.restaurant_risk.sample.reader import records
from eclaireur.cases.restaurant_risk.sample.simulator import outcomes

__all__ = ["Truth", "outcomes", "records", "truth", "write"]
