*** Settings ***
Documentation       NF chains on DPDK's testpmd as the vswitch, which every machine with DPDK has.
Resource            nf_chains.resource

Suite Setup         Set Up Chains
Suite Teardown      Tear Down Chains


*** Test Cases ***
Chains Carry Every Packet
    [Template]    Chains Should Carry Every Packet
    1    1    chain    testpmd_mac    testpmd
    1    2    chain    testpmd_io    testpmd
    2    1    pipeline    testpmd_io    testpmd
    2    2    chain    testpmd_mac    testpmd
    2    2    pipeline    testpmd_mac    testpmd

Large Frames Pass
    ${vms}=    Start NF Chains    vswitch=testpmd    vnf=testpmd_io    jumbo=True
    ${result}=    Measure Chain Throughput    duration=2 seconds    frame_size=9000    rate=100
    Should Be Equal As Integers    ${result}[rx_packets]    400
    ${result}=    Measure Chain Throughput    duration=2 seconds    frame_size=1518    rate=100
    Should Be Equal As Integers    ${result}[rx_packets]    400
    [Teardown]    Stop NF Chains

The Highest Rate Is Found Without Loss
    ${vms}=    Start NF Chains    vswitch=testpmd    vnf=testpmd_io
    ${result}=    Measure Chain Throughput    duration=3 seconds
    Should Be True    ${result}[pps] > 2000
    Should Be True    ${result}[loss_ratio] < 0.01
    Log    ${result}[pps] packets a second    console=True
    [Teardown]    Stop NF Chains
