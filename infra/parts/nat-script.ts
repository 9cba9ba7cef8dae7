/** What the NAT instance runs when it starts, as root on Amazon Linux 2023. */

export type NatScriptProps = {
  readonly region: string;
  readonly stack: string;
  /** Logical id of its group, which waits for the signal. */
  readonly group: string;
  readonly allocation: string;
  /** CIDR of those it forwards for. */
  readonly inside: string;
  readonly routeTables: readonly string[];
};

/**
 * Forwarding is set at every boot, address and routes at the first one: only a new machine has to take them. AWS is asked
 * again for three minutes, because the machine's own address changes in the middle of it.
 */
export const natScript = (props: NatScriptProps): string => `#!/bin/bash
set -euo pipefail
export AWS_DEFAULT_REGION=${props.region} AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=10
metadata() {
  local token
  token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
  curl -sf -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}
patiently() {
  for _ in $(seq 36); do "$@" && return 0; sleep 5; done
  return 1
}
# Its own address changes in the middle: a reply that is lost must not cost a minute.
aws() { command aws --cli-connect-timeout 5 --cli-read-timeout 10 "$@"; }
instance=$(patiently metadata instance-id)
signal() {
  patiently aws cloudformation signal-resource --stack-name ${props.stack} --logical-resource-id ${props.group} --unique-id "$instance" --status "$1" || true
}
# A machine that could not take its place goes away, and the group makes another.
trap 'signal FAILURE; poweroff' ERR

# Half a gigabyte of memory is not enough for the package manager alone.
dd if=/dev/zero of=/swap bs=1M count=512 status=none
chmod 600 /swap
mkswap -q /swap
swapon /swap
patiently dnf -q -y install iptables-nft
cat > /var/lib/cloud/scripts/per-boot/tidekeeper-nat <<'SCRIPT'
#!/bin/bash
set -euo pipefail
sysctl -q -w net.ipv4.ip_forward=1
swapon --show | grep -q /swap || swapon /swap
device=$(ip -o -4 route show default | awk '{print $5; exit}')
iptables -t nat -C POSTROUTING -s ${props.inside} -o "$device" -j MASQUERADE 2> /dev/null ||
  iptables -t nat -A POSTROUTING -s ${props.inside} -o "$device" -j MASQUERADE
SCRIPT
chmod 700 /var/lib/cloud/scripts/per-boot/tidekeeper-nat
/var/lib/cloud/scripts/per-boot/tidekeeper-nat

patiently aws ec2 modify-instance-attribute --instance-id "$instance" --no-source-dest-check
patiently aws ec2 associate-address --allocation-id ${props.allocation} --instance-id "$instance" --allow-reassociation
for table in ${props.routeTables.join(" ")}; do
  patiently aws ec2 replace-route --route-table-id "$table" --destination-cidr-block 0.0.0.0/0 --instance-id "$instance"
done
trap - ERR
signal SUCCESS
`;
