//! Properties of the model that must hold for every input, checked on many.

mod histograms;
mod hostile;
mod ledgers;
mod schedules;
mod shapes;
mod thresholds;
