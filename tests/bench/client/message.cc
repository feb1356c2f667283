#include "tests/bench/client/message.h"

#include <ctime>

namespace mailmesh::bench {
namespace {

constexpr const char* kWords[] = {"invoice", "meeting", "report", "holiday", "project", "budget",
                                  "release", "garden",  "server", "weekend", "photos",  "contract"};
constexpr int kWordCount = std::size(kWords);
constexpr int kThread = 8;

std::string Id(int number) { return "<m" + std::to_string(number) + ".bench@client.example>"; }

std::string Date(int number) {
  const std::time_t when = 1'700'000'000 + static_cast<std::time_t>(number) * 64;
  std::tm parts{};
  gmtime_r(&when, &parts);
  char text[40];
  std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &parts);
  return text;
}

std::string Header(int number) {
  const std::string person = std::to_string(number % 97);
  const int first = number - number % kThread;
  std::string header = "From: Correspondent " + person + " <person" + person + "@elsewhere.example>\r\n" +
                       "To: Bench <user@bench.test>\r\nDate: " + Date(number) + "\r\nMessage-ID: " + Id(number) +
                       "\r\nSubject: " + (number == first ? "" : "Re: ") + kWords[first / kThread % kWordCount] + " " +
                       kWords[first / 3 % kWordCount] + " " + std::to_string(first) + "\r\n";
  if (number != first) {
    header += "In-Reply-To: " + Id(number - 1) + "\r\nReferences: " + Id(first);
    if (number - 1 != first) header += "\r\n " + Id(number - 1);
    header += "\r\n";
  }
  return header + "User-Agent: bench_client/1.0\r\nMIME-Version: 1.0\r\n";
}

void AppendText(int number, size_t until, std::string& to) {
  while (to.size() < until) {
    std::string line;
    for (int i = 0; line.size() < 60; ++i) line += std::string(kWords[(number + i * 5 + to.size() / 64) % kWordCount]) + " ";
    to += line + "\r\n";
  }
}

}  // namespace

std::string MakeMessage(int number, size_t size) {
  std::string message = Header(number);
  if (number % 3 != 0) {
    message += "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    AppendText(number, size, message);
    return message;
  }
  message += "Content-Type: multipart/alternative; boundary=\"=-bench\"\r\n\r\n--=-bench\r\nContent-Type: text/plain\r\n\r\n";
  AppendText(number, message.size() + (size > message.size() ? (size - message.size()) / 2 : 0), message);
  message += "\r\n--=-bench\r\nContent-Type: text/html\r\n\r\n<p>\r\n";
  AppendText(number, size, message);
  return message + "</p>\r\n--=-bench--\r\n";
}

}  // namespace mailmesh::bench
