// A string that cannot be printed by mistake and is wiped when it dies: passwords, keys, tokens.
#ifndef MAILMESH_COMMON_BASE_SECRET_H_
#define MAILMESH_COMMON_BASE_SECRET_H_

#include <string>
#include <string_view>
#include <utility>

namespace mailmesh::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  ~Secret() { Wipe(); }

  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  // Valid until the secret changes. Never log it.
  std::string_view Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void Wipe();

  std::string value_;
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_SECRET_H_
