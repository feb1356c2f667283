#include "common/service/peers.h"

#include <grpcpp/channel.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/tls.h"

namespace mailmesh::service {

absl::StatusOr<std::shared_ptr<grpc::Channel>> Peers::Channel(std::string_view peer) {
  const auto it = config_.peers().find(std::string(peer));
  if (it == config_.peers().end()) {
    return absl::NotFoundError(absl::StrCat("common.peers.", base::Av(peer), " is not configured"));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, ChannelTo(peer, it->second.endpoint()));
  absl::MutexLock lock(&mutex_);
  configured_[it->first] = channel;
  return channel;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Peers::ChannelTo(std::string_view role, std::string_view endpoint) {
  Key key{std::string(role), std::string(endpoint)};
  absl::MutexLock lock(&mutex_);
  if (const auto it = channels_.find(key); it != channels_.end()) {
    if (std::shared_ptr<grpc::Channel> channel = it->second.lock()) return channel;
  }
  std::erase_if(channels_, [](const auto& entry) { return entry.second.expired(); });
  rpc::ChannelOptions options;
  options.endpoint = key.second;
  options.role = key.first;
  options.metrics = &metrics_;
  if (config_.grpc().has_tls()) {
    const auto& tls = config_.grpc().tls();
    options.tls = rpc::TlsFiles{tls.certificate(), tls.private_key(), tls.authority()};
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = rpc::MakeChannel(options);
  if (!channel.ok()) return base::Annotate(channel.status(), absl::StrCat("peer ", key.first, " at ", key.second));
  channels_[std::move(key)] = *channel;
  return channel;
}

std::vector<Peers::State> Peers::States(absl::Duration patience) {
  for (const auto& [role, peer] : config_.peers()) (void)Channel(role).status();
  std::map<Key, std::shared_ptr<grpc::Channel>> channels;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [key, used] : channels_) {
      if (std::shared_ptr<grpc::Channel> channel = used.lock()) channels.emplace(key, std::move(channel));
    }
  }
  for (const auto& [key, channel] : channels) channel->GetState(/*try_to_connect=*/true);
  const auto deadline = absl::ToChronoTime(absl::Now() + patience);
  std::vector<State> states;
  for (const auto& [key, channel] : channels) {
    states.push_back({key.first, key.second, channel->WaitForConnected(deadline)});
  }
  return states;
}

}  // namespace mailmesh::service
