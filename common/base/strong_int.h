// An integer with a meaning: two that mean different things cannot be swapped by mistake.
//
// StrongInt has what an id needs and no arithmetic beyond stepping to the next one.
#ifndef MAILMESH_COMMON_BASE_STRONG_INT_H_
#define MAILMESH_COMMON_BASE_STRONG_INT_H_

#include <compare>
#include <cstddef>
#include <functional>
#include <ostream>
#include <utility>

namespace mailmesh::base {

template <class Tag, class Rep>
class StrongInt {
 public:
  using rep = Rep;

  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  // True for anything but zero, which no id of ours uses.
  constexpr explicit operator bool() const { return value_ != 0; }
  constexpr StrongInt Next() const { return StrongInt(value_ + 1); }
  constexpr StrongInt& operator++() {
    ++value_;
    return *this;
  }

  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;
  template <class H>
  friend H AbslHashValue(H state, StrongInt id) {
    return H::combine(std::move(state), id.value_);
  }
  friend std::ostream& operator<<(std::ostream& out, StrongInt id) { return out << +id.value_; }

 private:
  Rep value_ = 0;
};

}  // namespace mailmesh::base

template <class Tag, class Rep>
struct std::hash<mailmesh::base::StrongInt<Tag, Rep>> {
  size_t operator()(mailmesh::base::StrongInt<Tag, Rep> id) const noexcept { return std::hash<Rep>()(id.value()); }
};

#endif  // MAILMESH_COMMON_BASE_STRONG_INT_H_
