*** Settings ***
Documentation       NF chains on an Open vSwitch that runs on the node already and belongs to somebody
...                 else: only what was put in is taken out.
Resource            ovs.resource
Library             ../../libraries/RunningOvs.py
Library             ../../libraries/Leftovers.py

Suite Setup         Set Up Running Open Vswitch
Suite Teardown      Tear Down Running Open Vswitch
Test Teardown       Run Keywords    Stop NF Chains    AND    Stop Vswitch


*** Test Cases ***
Chains Carry Every Packet
    [Template]    Chains Should Carry Every Packet
    1    2    chain    testpmd_mac    ovs    page_size=4K
    1    2    pipeline    testpmd_io    ovs    page_size=4K

It Stays As It Was
    Only Its Own Bridge Should Be There
    Nothing Should Be Left

Each Segment Is A Bridge Of Its Own Kind
    Start Vswitch    driver=ovs    nodes_per_chain=2    topology=pipeline
    ${bridges}=    Get Bridges
    Length Should Be    ${bridges}    4
    ${flows}=    Get Flows    ${bridges}[1]
    Should Be Equal    ${flows}    ${{ ['NORMAL'] }}
    ${flows}=    Get Flows    ${bridges}[2]
    Should Be Equal    ${flows}    ${{ ['output:1', 'output:2'] }}
    ${stats}=    Get Vswitch Stats
    Should Be Equal As Integers    ${stats}[pid]    0
    Length Should Be    ${stats}[ports]    6

A Start That Fails Takes Its Bridges Out
    [Documentation]    The sockets are not where the constant says: known when bridges are there.
    Set Constant    ovs.run_dir    /tmp
    Run Keyword And Expect Error    *vswitch 'ovs'*ovs.run_dir says where*    Start Vswitch    driver=ovs
    Only Its Own Bridge Should Be There
    [Teardown]    Set Constant    ovs.run_dir    ${DIRECTORY}

What Was Left Is Replaced
    [Documentation]    Bridges as a server that was killed leaves them, of more chains than now.
    Start Vswitch    driver=ovs    nodes_per_chain=2
    ${left}=    Get Bridges
    Stop Vswitch
    FOR    ${bridge}    IN    @{left}[1:]
        Add Bridge    ${bridge}
    END
    Start Vswitch    driver=ovs
    ${bridges}=    Get Bridges
    Should Be Equal    ${bridges}    ${left}[:3]
    ${ports}=    Get Ports    ${bridges}[1]
    Length Should Be    ${ports}    2
    Stop Vswitch
    Only Its Own Bridge Should Be There

CPUs Are Its Own
    Run Keyword And Expect Error    *argument 'host_cpus': the vswitch runs already*
    ...    Start Vswitch    driver=ovs    host_cpus=${{ [0] }}
    Only Its Own Bridge Should Be There

Its End Is Noticed
    Start Vswitch    driver=ovs
    Kill Ovs Vswitchd
    Run Keyword And Expect Error    *vswitch 'ovs' of chains 'nf' ended*    Get Vswitch Stats
    Stop Vswitch
    ${bridges}=    Get Bridges
    Should Be Equal    ${bridges}    ${{ ['others'] }}

One Without DPDK Is Refused
    Stop Open Vswitch
    ${directory}=    Start Open Vswitch    dpdk=False
    Set Constant    ovs.database    ${directory}/db.sock
    Run Keyword And Expect Error    *runs without DPDK*    Start Vswitch    driver=ovs

One That Is Not There Is Named
    Set Constant    ovs.database    /tmp/vh-none/db.sock
    Run Keyword And Expect Error    */tmp/vh-none/db.sock*ovs.database names another*
    ...    Start Vswitch    driver=ovs
    Nothing Should Be Left


*** Keywords ***
Set Up Running Open Vswitch
    Set Up Huge Pages
    ${directory}=    Start Open Vswitch
    Set Suite Variable    ${DIRECTORY}    ${directory}
    Set Constant    ovs.database    ${directory}/db.sock
    Set Constant    ovs.run_dir    ${directory}

Tear Down Running Open Vswitch
    Stop Open Vswitch
    Reload Constants
    Put Huge Pages Back

Only Its Own Bridge Should Be There
    Open Vswitch Should Run
    ${bridges}=    Get Bridges
    Should Be Equal    ${bridges}    ${{ ['others'] }}
