// expect: conversion from .double. to non-scalar type|no viable conversion from .double.
#include "base/quantity.h"
ridge::Bytes wrong = 80e9;
