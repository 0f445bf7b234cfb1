*** Settings ***
Documentation       Chains of network functions other than testpmd.
Resource            nf_chains.resource

Suite Setup         Set Up Chains
Suite Teardown      Tear Down Chains
Test Teardown       Stop NF Chains


*** Test Cases ***
Linux Routers Carry Every Packet
    [Documentation]    Each sends to the next one's MAC address, the last to the traffic generator's.
    ${vms}=    Start NF Chains    1    2    vnf=ipv4    vswitch=testpmd
    Should Be Equal    ${vms}[0][vnf]    ipv4
    ${result}=    Measure Chain Throughput    duration=${SECONDS}    rate=${RATE}
    Should Be Equal As Integers    ${result}[tx_packets]    ${{ 2 * ${RATE} * ${SECONDS} }}
    Should Be Equal As Integers    ${result}[rx_packets]    ${result}[tx_packets]
    FOR    ${vm}    IN    @{vms}
        ${stats}=    Get Linux IPv4 Forwarding Stats    ${vm}[name]
        FOR    ${port}    IN    @{stats}[ports]
            Should Be True    ${port}[rx_packets] >= ${RATE} * ${SECONDS}
            Should Be True    ${port}[tx_packets] >= ${RATE} * ${SECONDS}
        END
    END

Iperf3 Runs Between The Ends
    [Documentation]    The inner segment of the chain joins a server and a client.
    ${vms}=    Start NF Chains    1    2    vnf=none    vswitch=testpmd
    Run Iperf3 Server In VM    ${vms}[0][name]    interface=vhost2    addresses=${{ ['10.9.0.1/24'] }}
    ${report}=    Run Iperf3 Client In VM    ${vms}[1][name]    10.9.0.1    interface=vhost1
    ...    address=10.9.0.2/24    duration=3 seconds
    Log    ${report}[bits_per_second] bits a second    console=True
    Should Be True    ${report}[received_bytes] > 1000000

A Payload That Is Not There Takes The Chain Back
    Run Keyword And Expect Error    *VM 'DUT1_*has no program 'nosuchprogram'*    Start NF Chains    1    2
    ...    vnf=vpp    memory=768    binary=nosuchprogram    vswitch=testpmd
    ${chains}=    List NF Chains
    Should Be Empty    ${chains}
    ${vms}=    List VMs
    Should Be Empty    ${vms}
