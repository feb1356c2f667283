#include "common/imap/mailbox_name.h"

#include <array>
#include <cstdint>

#include "common/imap/chars.h"
#include "common/imap/quote.h"
#include "common/imap/utf8.h"

namespace mailmesh::imap {
namespace {

// RFC 3501, 5.1.3: Base64 with "," in place of "/", and without padding.
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

constexpr std::array<int8_t, 128> MakeReverse() {
  std::array<int8_t, 128> reverse{};
  for (int8_t& value : reverse) value = -1;
  for (size_t i = 0; i < kAlphabet.size(); ++i) reverse[static_cast<size_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return reverse;
}
constexpr std::array<int8_t, 128> kReverse = MakeReverse();

constexpr uint32_t kReplacement = 0xfffd;

bool IsDirect(uint32_t character) { return character >= 0x20 && character <= 0x7e; }

// Puts UTF-16 units together. False: surrogates that are no pair.
class Utf16Joiner {
 public:
  bool Add(uint32_t unit, std::string& out) {
    if (high_ != 0) {
      if (unit < 0xdc00 || unit > 0xdfff) return false;
      internal::AppendUtf8(out, 0x10000 + ((high_ - 0xd800) << 10) + (unit - 0xdc00));
      high_ = 0;
      return true;
    }
    if (unit >= 0xdc00 && unit <= 0xdfff) return false;
    if (unit >= 0xd800 && unit <= 0xdbff) {
      high_ = unit;
    } else {
      internal::AppendUtf8(out, unit);
    }
    return true;
  }
  bool complete() const { return high_ == 0; }

 private:
  uint32_t high_ = 0;
};

// Decodes what stands between "&" and "-".
bool DecodeShifted(std::string_view base64, std::string& out) {
  Utf16Joiner joiner;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    const auto octet = static_cast<uint8_t>(c);
    if (octet >= 0x80 || kReverse[octet] < 0) return false;
    bits = (bits << 6 | static_cast<uint32_t>(kReverse[octet])) & 0x3fffff;
    count += 6;
    if (count < 16) continue;
    count -= 16;
    if (!joiner.Add(bits >> count & 0xffff, out)) return false;
  }
  return joiner.complete();
}

// Decodes every form, also those that the encoder would not make.
bool DecodeLoosely(std::string_view wire, std::string& out) {
  while (!wire.empty()) {
    const char c = wire.front();
    if (!IsDirect(static_cast<uint8_t>(c))) return false;
    wire.remove_prefix(1);
    if (c != '&') {
      out.push_back(c);
      continue;
    }
    const size_t end = wire.find('-');
    if (end == wire.npos) return false;
    if (end == 0) {
      out.push_back('&');
    } else if (!DecodeShifted(wire.substr(0, end), out)) {
      return false;
    }
    wire.remove_prefix(end + 1);
  }
  return true;
}

class ShiftEncoder {
 public:
  explicit ShiftEncoder(std::string* out) : out_(out) {}
  void Add(uint32_t character) {
    if (!open_) out_->push_back('&');
    open_ = true;
    if (character >= 0x10000) {
      Unit(0xd800 + ((character - 0x10000) >> 10));
      Unit(0xdc00 + ((character - 0x10000) & 0x3ff));
    } else {
      Unit(character);
    }
  }
  void Close() {
    if (!open_) return;
    if (count_ > 0) out_->push_back(kAlphabet[bits_ << (6 - count_) & 0x3f]);
    out_->push_back('-');
    open_ = false;
    bits_ = 0;
    count_ = 0;
  }

 private:
  void Unit(uint32_t unit) {
    bits_ = (bits_ << 16 | unit) & 0x3fffff;
    for (count_ += 16; count_ >= 6; count_ -= 6) out_->push_back(kAlphabet[bits_ >> (count_ - 6) & 0x3f]);
  }
  std::string* out_;
  uint32_t bits_ = 0;
  int count_ = 0;
  bool open_ = false;
};

// RFC 9051, 5.1: control characters and line separators are to be refused.
bool IsForbidden(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character <= 0x9f) || character == 0x2028 || character == 0x2029 ||
         character == internal::kBadCharacter;
}

absl::Status ValidateLevel(std::string_view level) {
  if (level.empty()) return absl::InvalidArgumentError("Mailbox name has an empty level");
  if (level == "." || level == "..") return absl::InvalidArgumentError("Mailbox name has a level that is . or ..");
  if (level.size() > kMaxMailboxLevelLength) return absl::InvalidArgumentError("Mailbox name has a level that is too long");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> DecodeModifiedUtf7(std::string_view wire) {
  std::string name;
  // A name has one encoding only, so decoding strictly is decoding, and asking whether encoding gives the same again.
  if (!DecodeLoosely(wire, name) || (name != wire && EncodeModifiedUtf7(name) != wire)) {
    return absl::InvalidArgumentError("Mailbox name is not valid modified UTF-7");
  }
  // RFC 3501, 9: NUL must not be used anywhere.
  if (name.find('\0') != name.npos) return absl::InvalidArgumentError("Mailbox name has a NUL");
  // "&" stands for itself in `name` but never alone on the wire.
  if (name == wire && wire.find('&') != wire.npos) return absl::InvalidArgumentError("Mailbox name is not valid modified UTF-7");
  return name;
}

std::string EncodeModifiedUtf7(std::string_view utf8) {
  std::string wire;
  wire.reserve(utf8.size());
  ShiftEncoder shift(&wire);
  while (!utf8.empty()) {
    uint32_t character = internal::TakeUtf8(&utf8);
    if (character == internal::kBadCharacter) character = kReplacement;
    if (!IsDirect(character)) {
      shift.Add(character);
      continue;
    }
    shift.Close();
    wire.push_back(static_cast<char>(character));
    if (character == '&') wire.push_back('-');
  }
  shift.Close();
  return wire;
}

absl::StatusOr<std::string> DecodeMailboxName(std::string_view wire, bool utf8_accept) {
  if (!utf8_accept) {
    absl::StatusOr<std::string> name = DecodeModifiedUtf7(wire);
    if (!name.ok()) return name.status();
    return CanonicalMailboxName(*name);
  }
  if (!internal::IsUtf8(wire) || wire.find('\0') != wire.npos) {
    return absl::InvalidArgumentError("Mailbox name is not valid UTF-8");
  }
  return CanonicalMailboxName(wire);
}

void AppendMailboxName(std::string& out, std::string_view name, bool utf8_accept) {
  if (utf8_accept) {
    AppendAString(out, name, true);
  } else {
    AppendAString(out, EncodeModifiedUtf7(name));
  }
}

std::string CanonicalMailboxName(std::string_view name) {
  std::string canonical(name);
  const size_t size = kInbox.size();
  if (internal::EqualsUpper(name.substr(0, size), kInbox) && (name.size() == size || name[size] == kHierarchySeparator)) {
    canonical.replace(0, size, kInbox);
  }
  return canonical;
}

absl::Status ValidateMailboxName(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("Mailbox name is empty");
  if (name.size() > kMaxMailboxNameLength) return absl::InvalidArgumentError("Mailbox name is too long");
  for (std::string_view rest = name; !rest.empty();) {
    const uint32_t character = internal::TakeUtf8(&rest);
    if (IsForbidden(character)) return absl::InvalidArgumentError("Mailbox name has a character that is not allowed");
    // RFC 3501, 5.1: wildcards in names make them impossible to LIST.
    if (character == '%' || character == '*') return absl::InvalidArgumentError("Mailbox name has a wildcard");
  }
  size_t levels = 0;
  for (;;) {
    const size_t end = name.find(kHierarchySeparator);
    if (absl::Status status = ValidateLevel(name.substr(0, end)); !status.ok()) return status;
    if (++levels > kMaxMailboxDepth) return absl::InvalidArgumentError("Mailbox name has too many levels");
    if (end == name.npos) return absl::OkStatus();
    name.remove_prefix(end + 1);
  }
}

}  // namespace mailmesh::imap
