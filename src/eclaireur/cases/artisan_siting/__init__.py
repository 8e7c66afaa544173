"""Where an artisan could settle and last: one commune or a drawn zone, trade by trade."""
