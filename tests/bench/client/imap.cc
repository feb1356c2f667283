#include "tests/bench/client/imap.h"

#include <openssl/evp.h>

#include <charconv>
#include <vector>

namespace mailmesh::bench {
namespace {

// RFC 3501, 4.3: a line that ends in {n} goes on after n octets.
bool EndsInLiteral(std::string_view line, size_t& octets) {
  if (line.empty() || line.back() != '}') return false;
  const size_t open = line.rfind('{');
  if (open == std::string_view::npos) return false;
  const char* last = line.data() + line.size() - 1;
  const auto [end, error] = std::from_chars(line.data() + open + 1, last, octets);
  return error == std::errc() && end == last;
}

}  // namespace

std::string AccountName(const std::string& pattern, int number) {
  const size_t at = pattern.find('%');
  if (at == std::string::npos) return pattern;
  return pattern.substr(0, at) + std::to_string(number) + pattern.substr(at + 1);
}

std::string PlainResponse(const std::string& account, const std::string& password) {
  std::string clear;
  clear.append(1, '\0').append(account).append(1, '\0').append(password);
  std::vector<unsigned char> out(4 * (clear.size() / 3 + 1) + 1);
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(clear.data()),
                                   static_cast<int>(clear.size()));
  return std::string(reinterpret_cast<const char*>(out.data()), static_cast<size_t>(size));
}

void Imap::LogIn(const Options& options, int number) {
  Run("AUTHENTICATE PLAIN " + PlainResponse(AccountName(options.Text("user"), number), options.Text("password")));
}

void Imap::Send(std::string_view command) {
  std::string line = "a" + std::to_string(++tag_) + " ";
  line.append(command).append("\r\n");
  connection_.Write(line);
}

std::string_view Imap::Finish() {
  while (true) {
    const std::string_view line = connection_.ReadLine();
    if (line.empty()) continue;
    size_t octets = 0;
    if (line[0] == 'a') return line;
    if (EndsInLiteral(line, octets)) connection_.Skip(octets);
  }
}

void Imap::Run(std::string_view command) {
  Send(command);
  const std::string_view reply = Finish();
  if (reply.substr(reply.find(' ') + 1, 2) != "OK") {
    Die(std::string(command.substr(0, 60)) + ": " + std::string(reply));
  }
}

void Imap::Try(std::string_view command) {
  Send(command);
  Finish();
}

void Imap::Append(const std::string& mailbox, const std::string& message) {
  Run("APPEND " + mailbox + " {" + std::to_string(message.size()) + "+}\r\n" + message);
}

void Imap::StartIdle() {
  Send("IDLE");
  while (true) {
    const std::string_view line = connection_.ReadLine();
    if (!line.empty() && line[0] == '+') return;
    if (!line.empty() && line[0] == 'a') Die("IDLE: " + std::string(line));
  }
}

bool Imap::ReadsExists() {
  connection_.ReadSome();
  bool exists = false;
  while (connection_.HasLine()) {
    const std::string_view line = connection_.ReadLine();
    exists = exists || (line.size() > 7 && line.substr(line.size() - 7) == " EXISTS");
  }
  return exists;
}

}  // namespace mailmesh::bench
