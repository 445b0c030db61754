#pragma once
/// What a fit says in words: each model's parameters and errors, what the device itself told, and the cluster.

#include "calibrate/io/profile.h"

namespace ridge::calibrate {

void print_models(const Models&);
void print_observations(const Profile&);
void print_cluster(const ClusterFindings&);

}  // namespace ridge::calibrate
