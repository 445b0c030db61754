#pragma once
/// `ridge calibrate ...` hands over to the program ridge-calibrate: the one beside `ridge`, in the build tree
/// the one in calibrate/, else the one on the PATH.  Alone it needs a GPU's libraries; `ridge` does not.
///
///   ridge calibrate                      ridge-calibrate run: measure, fit, write the profile
///   ridge calibrate --quick              the same with its options
///   ridge calibrate --compare A B        ridge-calibrate compare A B
///   ridge calibrate fit FILE ...         ridge-calibrate fit FILE ...

#include <string>
#include <vector>

namespace ridge {

/// Arguments of ridge-calibrate for those after `ridge calibrate`.
std::vector<std::string> calibrate_arguments(std::vector<std::string> after);

/// Where ridge-calibrate is; "" when it is nowhere.  `own_folder`: of the running program.
std::string find_calibrator(const std::string& own_folder, const std::string& search_path);

/// Replaces this process by ridge-calibrate; returns 2 after saying how to get it when there is none.
int hand_over_to_calibrator(const std::vector<std::string>& after);

}  // namespace ridge
