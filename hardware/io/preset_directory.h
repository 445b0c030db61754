#pragma once
/// A hardware `Library` over a directory of YAML files:
///
///   ROOT/hardware/*.yaml  systems       ROOT/devices/*.yaml  accelerators and CPUs
///   ROOT/devices/classes/*.yaml  what a generation has in common
///   ROOT/links/*.yaml     links         ROOT/storage/*.yaml  drives
///
/// "hardware" falls back to devices, so that a device's name works as a system of one.

#include "hardware/library.h"

#include <string>

namespace ridge {

/// Files are read when asked for; nothing is cached.
Library preset_library(std::string root);

/// Path of a preset below ROOT ("hardware/dgx-h100.yaml"), whether or not it exists.
std::string preset_path(std::string_view kind, std::string_view name);

/// The presets compiled into the program; a file of `overlay`, a folder of the same shape, goes first.
Library embedded_library(std::string overlay = {});

}  // namespace ridge
