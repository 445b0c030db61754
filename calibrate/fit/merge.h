#pragma once
/// Two fits of one kind of device as one: a run on two devices, say, beside an older one on four.
///
///   Models both = merged(newer, older);     what `newer` lacks comes from `older`, whole models at a time

#include "calibrate/fit/model.h"

namespace ridge {

/// Models are told apart by family and variant; those of `first` win.  Nothing is averaged: each model keeps
/// the points, errors and intervals of the run that it came from.
Models merged(Models first, const Models& second);

}  // namespace ridge
