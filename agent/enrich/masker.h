#pragma once
#include "event/parser.h"
namespace tapewatch { class Masker final : public KeyPolicy { public: bool sensitive(std::string_view) const override { return false; } void mask(Event&) {} }; }
