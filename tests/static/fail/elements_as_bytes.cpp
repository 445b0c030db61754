// expect: conversion from .*Quantity.* to non-scalar type|no viable conversion
#include "base/quantity.h"
ridge::Bytes wrong = ridge::Elements{8e9};
